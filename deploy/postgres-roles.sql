-- Least privilege on PostgreSQL: who may do what in the robot's database.
--
-- Run by whoever runs the server, in the robot's database, after `bistandsrobot db upgrade` and again after every upgrade; running it twice
-- changes nothing:
--
--   psql --dbname=bistandsrobot --single-transaction --set=ON_ERROR_STOP=1 --file=postgres-roles.sql
--
-- The owner of the tables alone makes and changes them (`bistandsrobot db upgrade`, `keys rotate`, `restore`); no robot runs as it.
-- The three roles below log in as nobody. Make a user for each robot, auditor and retention job, and put it in its role:
--
--   CREATE ROLE robot1 LOGIN PASSWORD '...' IN ROLE bistandsrobot_worker;

DO $roles$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['bistandsrobot_worker', 'bistandsrobot_retention', 'bistandsrobot_auditor'] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
        END IF;
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA public FROM %I', name);
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), name);
    END LOOP;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
END
$roles$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO bistandsrobot_worker, bistandsrobot_retention, bistandsrobot_auditor;
GRANT EXECUTE ON FUNCTION audit_end() TO bistandsrobot_worker, bistandsrobot_retention;

-- The worker: `run` and the commands of daily use. It adds to the audit and can neither change nor delete in it, it makes no tables,
-- exchanges no key, approves no gallring and deletes no case. (What decides in a case is the case system's, and a person's.)
GRANT SELECT ON ALL TABLES IN SCHEMA public TO bistandsrobot_worker;
GRANT INSERT ON events, event_details, drafts, case_keys TO bistandsrobot_worker;
GRANT UPDATE (content, made_at) ON drafts TO bistandsrobot_worker;
GRANT INSERT, UPDATE ON items, case_people, seen, pulls TO bistandsrobot_worker;
GRANT INSERT, UPDATE, DELETE ON effects, duties, pauses, tallies TO bistandsrobot_worker;
-- New keys wait for an exchange of the master key to end by a lock on this row, and PostgreSQL asks for a right to change for that: this
-- one column, which never changes. What the row says of the key is not given.
GRANT UPDATE (id) ON store TO bistandsrobot_worker;

-- Gallring: `retention`, `person forget`. What it deletes must stand on an approved list: the tables' own guards see to that.
GRANT bistandsrobot_worker TO bistandsrobot_retention;
GRANT INSERT, UPDATE ON retention_lists, retention_cases, forgotten TO bistandsrobot_retention;
GRANT DELETE ON event_details, drafts, case_people, case_keys, seen, items, retention_cases TO bistandsrobot_retention;

-- The auditor: `audit verify`, `audit head`. It reads the chain and what opening it takes, and writes nothing.
GRANT SELECT ON events, event_details, store, secrets, programs, alembic_version, forgotten, retention_lists, retention_cases,
    case_keys TO bistandsrobot_auditor;
