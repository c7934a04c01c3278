CREATE TABLE service (
    signing_key BLOB NOT NULL,
    -- The account that is served when none is given.
    account_id  TEXT NOT NULL,
    account_key TEXT NOT NULL
) STRICT;

CREATE TABLE session (
    account        TEXT NOT NULL,
    id             TEXT NOT NULL,
    size           TEXT NOT NULL,
    asked_minutes  INTEGER NOT NULL,
    lease_minutes  INTEGER NOT NULL,
    created_ms     INTEGER NOT NULL,
    -- When it is Ready, or when it turns out that it will not be.
    booted_ms      INTEGER NOT NULL,
    failure        TEXT,
    hostname       TEXT,
    handshake_port INTEGER,
    inspector_port INTEGER,
    decitflops     INTEGER,
    stopped_ms     INTEGER,
    settled        INTEGER NOT NULL,
    PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;
