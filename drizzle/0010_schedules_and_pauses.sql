-- Schedules with modes, second attempts, pauses, and what the overview reads. A server of the version before keeps working with
-- these tables: it uses none of the new columns, and a paused organization has no next firing.
CREATE TABLE "sync_pause" (
	"singleton" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"paused" boolean NOT NULL,
	"reason" text,
	"changed_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "webhook_deliveries" ALTER COLUMN "sync_log_id" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "organizations" ADD COLUMN "firings" jsonb;--> statement-breakpoint
ALTER TABLE "organizations" ADD COLUMN "longest_interval_s" integer;--> statement-breakpoint
ALTER TABLE "organizations" ADD COLUMN "scheduled_since" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "organizations" ADD COLUMN "missed_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "organizations" ADD COLUMN "paused_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "organizations" ADD COLUMN "paused_reason" text;--> statement-breakpoint
ALTER TABLE "organizations" ADD COLUMN "paused_by" text;--> statement-breakpoint
ALTER TABLE "organizations" ADD COLUMN "key_refusals" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "organizations" ADD COLUMN "retry_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "organizations" ADD COLUMN "retry_of" integer;--> statement-breakpoint
ALTER TABLE "organizations" ADD COLUMN "retry_type" text;--> statement-breakpoint
ALTER TABLE "organizations" ADD COLUMN "retry_attempt" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "organizations" ADD COLUMN "overdue_sent_at" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "organizations_retry" ON "organizations" USING btree ("retry_at") WHERE retry_at is not null;--> statement-breakpoint
CREATE INDEX "patients_held" ON "patients" USING btree ("organization_id") WHERE held_since is not null;--> statement-breakpoint
-- The last success of each organization. The rows that other programs wrote may have no `completed_at`.
CREATE INDEX "sync_logs_succeeded" ON "sync_logs" ("organization_id", (coalesce(completed_at, started_at)) DESC)
WHERE sync_status_word(status) = 'completed';
