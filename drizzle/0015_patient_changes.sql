-- The log of changes of patients. drizzle-kit generated the statements; the differences: patient_changes is partitioned,
-- patient_changes_pending is not logged, and the new column is added without a rewrite of the table.
CREATE TABLE "patient_change_streams" (
	"organization_id" integer PRIMARY KEY NOT NULL,
	"head" bigint NOT NULL,
	"changed_at" timestamp with time zone NOT NULL,
	"writer" "xid8" NOT NULL,
	"settled_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "patient_changes" (
	"organization_id" integer NOT NULL,
	"seq" bigint NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"sync_log_id" integer,
	"kinds" text[] NOT NULL,
	"cliniko_patient_ids" text[] NOT NULL,
	CONSTRAINT "patient_changes_organization_id_seq_at_pk" PRIMARY KEY("organization_id","seq","at")
) PARTITION BY RANGE ("at");
--> statement-breakpoint
-- As for events: a change of a day without a partition is stored here.
CREATE TABLE "patient_changes_other" PARTITION OF "patient_changes" DEFAULT;
--> statement-breakpoint
-- No row outlives its transaction, so a crash loses nothing.
CREATE UNLOGGED TABLE "patient_changes_pending" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "patient_changes_pending_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"organization_id" integer NOT NULL,
	"kinds" text[] NOT NULL,
	"cliniko_patient_ids" text[] NOT NULL,
	"first_changed_at" timestamp with time zone,
	"last_changed_at" timestamp with time zone,
	"is_distinct" boolean NOT NULL
);
--> statement-breakpoint
-- now() is the same for all rows that exist, so PostgreSQL does not rewrite them.
ALTER TABLE "patients" ADD COLUMN "changed_at" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "patients" ALTER COLUMN "changed_at" SET DEFAULT clock_timestamp();--> statement-breakpoint
CREATE INDEX "patients_changed" ON "patients" USING btree ("organization_id","changed_at");--> statement-breakpoint
-- Each batch updates these rows: free space on the page allows updates that change no index.
ALTER TABLE "patient_change_streams" SET (fillfactor = 50);
