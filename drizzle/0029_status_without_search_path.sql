-- The trigger for rows that are written when their run has ended tests its condition in the session of the writer. The condition calls
-- this function, so the names in it have a schema: a program whose search_path has no `public` (a function of Supabase, a restore of
-- data only) could not insert such a row.
CREATE OR REPLACE FUNCTION sync_log_status(log sync_logs) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT public.sync_status_word(log.status)
$$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION sync_log_row(log sync_logs) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT to_jsonb(log) || jsonb_build_object('status', public.sync_log_status(log), 'word', lower(btrim(log.status)))
$$;
