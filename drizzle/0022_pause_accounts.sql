-- The accounts that pause an organization, or everything. A server of the version before leaves both columns alone: a pause that it
-- begins or ends shows no account or the one before.
ALTER TABLE "organizations" ADD COLUMN "paused_by_name" text;--> statement-breakpoint
ALTER TABLE "sync_pause" ADD COLUMN "changed_by" text;--> statement-breakpoint
COMMENT ON COLUMN organizations.paused_by_name IS 'Name of the account that paused the schedule; null: it has none, or the server paused it.';--> statement-breakpoint
COMMENT ON COLUMN sync_pause.changed_by IS 'Name of the account that paused or resumed everything; null: it has none.';
