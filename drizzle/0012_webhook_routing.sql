-- Which endpoints an event goes to, and how: a program gets the message at once, so it is put into the outbox; what people get,
-- and what waits for other events, is put into `webhook_notices`, from which a server makes messages (src/webhooks/notices.ts).

-- Every event passes here, in the transaction that it belongs to. The message is the one of the kind `standard`. `patients.changed` is
-- for programs only, and never waits: its order matters.
CREATE FUNCTION webhook_enqueue(of_organization integer, event_name text, of_log integer, message text, cliniko_status integer DEFAULT NULL)
RETURNS void LANGUAGE sql AS $$
  WITH wanted AS MATERIALIZED (
    SELECT id, kind = 'standard' AND (event_name = 'patients.changed' OR quiet_hours IS NULL AND NOT digest) AS at_once
    FROM webhook_endpoints
    WHERE (organization_id = of_organization OR organizations @> ARRAY[of_organization]
        OR organization_id IS NULL AND organizations IS NULL)
      AND disabled_at IS NULL AND event_name = ANY (events) AND (kind = 'standard' OR event_name <> 'patients.changed')
  ), sent AS (
    INSERT INTO webhook_deliveries (endpoint_id, organization_id, message_id, event, sync_log_id, body)
    SELECT id, of_organization, 'msg_' || replace(gen_random_uuid()::text, '-', ''), event_name, of_log, message
    FROM wanted WHERE at_once
  )
  INSERT INTO webhook_notices (endpoint_id, organization_id, event, sync_log_id, body, http_status)
  SELECT id, of_organization, event_name, of_log, message, cliniko_status FROM wanted WHERE NOT at_once
$$;
--> statement-breakpoint
-- A failure that Cliniko caused names the status of its answer. Of the text, which another program may have written, nothing else is
-- taken.
CREATE OR REPLACE FUNCTION webhooks_enqueue() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM webhook_enqueue(NEW.organization_id, happened.event, NEW.id::integer, webhook_body(happened.event, NEW),
    substring(NEW.error_details from '\(HTTP ([1-5][0-9]{2})\)')::integer)
  FROM (
    SELECT 'sync.' || sync_log_status(NEW) AS event
    UNION ALL
    SELECT 'sync.held' WHERE sync_log_status(NEW) = 'completed' AND sync_log_missing_held(NEW) > 0
  ) AS happened
  WHERE EXISTS (SELECT FROM webhook_endpoints WHERE organization_id = NEW.organization_id OR organization_id IS NULL);
  RETURN NULL;
END
$$;
