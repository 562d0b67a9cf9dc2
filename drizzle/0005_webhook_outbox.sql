-- The outbox of webhooks: the end of a run and its messages commit together, whichever program ended it. So a crash or a missed
-- notification loses no message.

CREATE FUNCTION sync_log_missing_held(log sync_logs) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN log.metadata ->> 'missing_held' ~ '^[0-9]{1,9}$' THEN (log.metadata ->> 'missing_held')::integer ELSE 0 END
$$;
--> statement-breakpoint
-- Ids, counts, and words in the form of ours: another program may have written any text into its row.
CREATE FUNCTION webhook_body(event text, log sync_logs) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object(
    'type', event,
    'timestamp', to_char(clock_timestamp() AT TIME ZONE 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'data', jsonb_build_object(
      'organization_id', log.organization_id,
      'sync_log_id', log.id,
      'operation_type', CASE WHEN log.operation_type ~ '^[a-z_]{1,50}$' THEN log.operation_type ELSE 'other' END,
      'status', sync_log_status(log),
      'started_at', to_char(log.started_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'completed_at', to_char(log.completed_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'records_processed', coalesce(log.records_processed, 0),
      'records_success', coalesce(log.records_success, 0),
      'records_failed', coalesce(log.records_failed, 0),
      'error_type', CASE WHEN log.metadata ->> 'error_type' ~ '^[A-Z_]{1,64}$' THEN log.metadata ->> 'error_type' END,
      'missing_held', sync_log_missing_held(log)))::text
$$;
--> statement-breakpoint
CREATE FUNCTION webhooks_enqueue() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO webhook_deliveries (endpoint_id, organization_id, message_id, event, sync_log_id, body)
  SELECT endpoint.id, endpoint.organization_id, 'msg_' || replace(gen_random_uuid()::text, '-', ''), happened.event, NEW.id,
    webhook_body(happened.event, NEW)
  FROM webhook_endpoints AS endpoint
  CROSS JOIN LATERAL (
    SELECT 'sync.' || sync_log_status(NEW) AS event
    UNION ALL
    SELECT 'sync.held' WHERE sync_log_status(NEW) = 'completed' AND sync_log_missing_held(NEW) > 0
  ) AS happened
  WHERE endpoint.organization_id = NEW.organization_id AND endpoint.disabled_at IS NULL
    AND happened.event = ANY (endpoint.events);
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER webhooks_enqueue_end AFTER UPDATE ON sync_logs FOR EACH ROW
WHEN (sync_log_status(OLD) = 'running' AND sync_log_status(NEW) <> 'running')
EXECUTE FUNCTION webhooks_enqueue();
--> statement-breakpoint
-- For a program that writes its row only when the run has ended.
CREATE TRIGGER webhooks_enqueue_ended AFTER INSERT ON sync_logs FOR EACH ROW
WHEN (sync_log_status(NEW) <> 'running')
EXECUTE FUNCTION webhooks_enqueue();
