ALTER TABLE "organizations" ADD COLUMN "schedule" jsonb;--> statement-breakpoint
ALTER TABLE "organizations" ADD COLUMN "next_sync_at" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "organizations_due" ON "organizations" USING btree ("next_sync_at") WHERE next_sync_at is not null;