-- The functions of the policy `organization_isolation`: a request that is bound to organizations sees the rows of no other, even
-- when its statement does not filter them. Such a request sets `patient_sync.organizations`, as `{1,2}`.
--
-- Not here: each start enables row-level security and creates the policies, for every table (src/database/close.ts).

CREATE FUNCTION sync_allowed_organizations() RETURNS integer[] LANGUAGE sql STABLE
RETURN nullif(current_setting('patient_sync.organizations', true), '')::integer[];
--> statement-breakpoint
-- The engine and other programs do not set it and are not restricted. The role patient_sync_reader always is: when it is not set,
-- that role sees no row.
CREATE FUNCTION sync_is_restricted() RETURNS boolean LANGUAGE sql STABLE
RETURN current_user = 'patient_sync_reader' OR sync_allowed_organizations() IS NOT NULL;
