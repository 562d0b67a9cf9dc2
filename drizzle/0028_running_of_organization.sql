-- The few rows that read as running: each start looks for one of its organization, whatever word another program has for it.
DROP INDEX sync_logs_unended;--> statement-breakpoint
CREATE INDEX sync_logs_unended ON sync_logs (organization_id, id) WHERE sync_status_word(status) = 'running';
