-- The people of an identity provider who may use an account. A server of the version before uses neither the table nor the column.
CREATE TABLE "sign_in_identities" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "sign_in_identities_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"token_id" integer NOT NULL,
	"email" text,
	"wanted_subject" text,
	"issuer" text,
	"subject" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "sign_in_identities_email_unique" UNIQUE("email"),
	CONSTRAINT "sign_in_identities_wanted_subject_unique" UNIQUE("wanted_subject")
);
--> statement-breakpoint
ALTER TABLE "browser_sessions" ADD COLUMN "identity_id" integer;--> statement-breakpoint
ALTER TABLE "sign_in_identities" ADD CONSTRAINT "sign_in_identities_token_id_api_tokens_id_fk" FOREIGN KEY ("token_id") REFERENCES "public"."api_tokens"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "sign_in_identities_person" ON "sign_in_identities" USING btree ("issuer","subject");--> statement-breakpoint
ALTER TABLE "browser_sessions" ADD CONSTRAINT "browser_sessions_identity_id_sign_in_identities_id_fk" FOREIGN KEY ("identity_id") REFERENCES "public"."sign_in_identities"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "browser_sessions_identity" ON "browser_sessions" USING btree ("identity_id");