"""What only PostgreSQL needs, by version of the schema: what several coordinators follow, and how commits are known."""

FOLLOWING = """
ALTER TABLE instances ALTER COLUMN name TYPE varchar COLLATE "C";
-- Heartbeats change no index: with room on the page a new version of a row goes beside the old one.
ALTER TABLE instances SET (fillfactor = 80);
-- Large, and numbers that differ: to compress them would cost much and save little.
ALTER TABLE sightings ALTER COLUMN seen SET STORAGE EXTERNAL;

CREATE TABLE changes (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_changes PRIMARY KEY,
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at bigint NOT NULL DEFAULT floor(extract(epoch FROM clock_timestamp()) * 1000),
    origin text NOT NULL,
    ids bigint[] NOT NULL,
    -- Of instances that were removed; null for others.
    names text[]
);
CREATE INDEX ix_changes_transaction ON changes (transaction);

-- One row of each transaction that writes: whether it was committed can be told by that, and by nothing else for sure.
-- The server gives numbers of transactions out again when it has crashed before it wrote down that it had.
CREATE TABLE commits (
    token uuid CONSTRAINT pk_commits PRIMARY KEY,
    at bigint NOT NULL
);

CREATE FUNCTION note_changes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    its_origin text := coalesce(current_setting('dides.origin', true), '');
BEGIN
    INSERT INTO changes (origin, ids, names)
    SELECT its_origin, array_agg(id), CASE TG_OP WHEN 'DELETE' THEN array_agg(name) END
    FROM touched HAVING count(*) > 0;
    IF FOUND THEN
        PERFORM pg_notify('dides', its_origin);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER note_inserted AFTER INSERT ON instances
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION note_changes();
CREATE TRIGGER note_updated AFTER UPDATE ON instances
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION note_changes();
CREATE TRIGGER note_deleted AFTER DELETE ON instances
    REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION note_changes();
"""

NOT_FOLLOWING = """
DROP TRIGGER note_deleted ON instances;
DROP TRIGGER note_updated ON instances;
DROP TRIGGER note_inserted ON instances;
DROP FUNCTION note_changes();
DROP TABLE commits;
DROP TABLE changes;
ALTER TABLE instances RESET (fillfactor);
ALTER TABLE instances ALTER COLUMN name TYPE varchar COLLATE "default";
"""
