-- The epoch: the identity of the history that a seq belongs to.

-- An upgraded database keeps its seed, and so its epoch.
INSERT INTO sync_epoch_seed (seed) SELECT gen_random_uuid() WHERE NOT EXISTS (SELECT FROM sync_epoch_seed);
--> statement-breakpoint
-- When the files of this cluster were put where they are. initdb writes PG_VERSION once, so a later change of its status means
-- that it was copied, as when the backup of a stopped cluster is restored. '' when the owner may not read it.
CREATE FUNCTION sync_files_placed_at() RETURNS text LANGUAGE plpgsql STABLE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT has_function_privilege('pg_stat_file(text)', 'EXECUTE') THEN
    RETURN '';
  END IF;
  RETURN coalesce(extract(epoch FROM (pg_stat_file('PG_VERSION')).change)::text, '');
EXCEPTION WHEN insufficient_privilege OR undefined_file THEN
  RETURN '';
END
$$;
--> statement-breakpoint
-- A restore or a failover starts another history: another cluster has another system identifier, a promoted or recovered one
-- another timeline, a dump that was loaded again another table, restored files another time. A rollback that changes none of
-- these, such as to the snapshot of a machine, is detected by a server that was running before it; that server renews the
-- seed.
CREATE FUNCTION sync_epoch() RETURNS text LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT substr(md5(concat_ws('/',
    (SELECT system_identifier FROM pg_control_system()),
    left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
    (SELECT oid FROM pg_database WHERE datname = current_database()),
    'public.sync_events'::regclass::oid,
    sync_files_placed_at(),
    (SELECT seed FROM sync_epoch_seed LIMIT 1))), 1, 12)
$$;
--> statement-breakpoint
-- When several servers detect the loss of the same history, the first one starts the new epoch for all.
CREATE FUNCTION sync_epoch_renew(lost_epoch text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM sync_epoch_seed FOR UPDATE;
  IF sync_epoch() = lost_epoch THEN
    UPDATE sync_epoch_seed SET seed = gen_random_uuid();
  END IF;
END
$$;
