-- A reader learns its own organizations only. `session_user`: inside the function the current user is its owner. In the session of
-- another role that takes on the role of a reader with SET ROLE, the reader sees nothing.
CREATE OR REPLACE FUNCTION sync_sql_reader_organizations(reader name) RETURNS integer[] LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT organizations FROM sql_readers
  WHERE role_name = reader AND reader = session_user
    AND role_oid = (SELECT oid FROM pg_roles WHERE rolname = reader) AND expires_at > now()
$$;
