CREATE TABLE "bulk_operations" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "bulk_operations_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"action" text NOT NULL,
	"operation_type" text,
	"reason" text,
	"actor" text NOT NULL,
	"trigger" jsonb NOT NULL,
	"status" text DEFAULT 'running' NOT NULL,
	"matched" integer DEFAULT 0 NOT NULL,
	"repeat_hash" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"completed_at" timestamp with time zone,
	CONSTRAINT "bulk_operations_repeat_hash_unique" UNIQUE("repeat_hash")
);
--> statement-breakpoint
CREATE TABLE "bulk_operation_targets" (
	"operation_id" integer NOT NULL,
	"organization_id" integer NOT NULL,
	"outcome" text,
	CONSTRAINT "bulk_operation_targets_operation_id_organization_id_pk" PRIMARY KEY("operation_id","organization_id")
);
--> statement-breakpoint
ALTER TABLE "bulk_operation_targets" ADD CONSTRAINT "bulk_operation_targets_operation_id_bulk_operations_id_fk" FOREIGN KEY ("operation_id") REFERENCES "public"."bulk_operations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "bulk_operations_running" ON "bulk_operations" USING btree ("id") WHERE status = 'running';--> statement-breakpoint
CREATE INDEX "bulk_operation_targets_open" ON "bulk_operation_targets" USING btree ("operation_id","organization_id") WHERE outcome is null;