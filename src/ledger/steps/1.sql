-- One row: what was settled when the ledger was made.
CREATE TABLE ledger (
    seed    INTEGER NOT NULL,
    made_ms INTEGER NOT NULL
) STRICT;

-- Sessions that are live, or may be. A row with seen = 0 is an intent: its create may be repeated with the same body.
CREATE TABLE live (
    id         TEXT    NOT NULL PRIMARY KEY,
    owner      TEXT    NOT NULL,
    pool       TEXT    NOT NULL,
    ordinal    INTEGER NOT NULL,
    size       TEXT    NOT NULL,
    status     TEXT    NOT NULL,
    seen       INTEGER NOT NULL,
    granted    INTEGER NOT NULL,
    reserved   INTEGER NOT NULL,
    elapsed    INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    active_ms  INTEGER,
    hold       TEXT,
    stop       TEXT,
    address    TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE slot (
    owner           TEXT    NOT NULL,
    pool            TEXT    NOT NULL,
    ordinal         INTEGER NOT NULL,
    parked          TEXT,
    asked           INTEGER NOT NULL,
    failures        INTEGER NOT NULL,
    not_before_ms   INTEGER,
    last_failure    TEXT,
    drawn           INTEGER NOT NULL,
    PRIMARY KEY (owner, pool, ordinal)
) STRICT, WITHOUT ROWID;

-- The final accounts. Money is minutes × price ÷ 60 and is never stored.
CREATE TABLE settled (
    id             TEXT    NOT NULL PRIMARY KEY,
    owner          TEXT    NOT NULL,
    pool           TEXT    NOT NULL,
    ordinal        INTEGER NOT NULL,
    size           TEXT    NOT NULL,
    status         TEXT    NOT NULL,
    ready_after_ms INTEGER,
    ready_until_ms INTEGER,
    minutes        INTEGER NOT NULL,
    certain        INTEGER NOT NULL,
    price          TEXT    NOT NULL,
    ended_ms       INTEGER NOT NULL,
    why            TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX settled_by_end ON settled (owner, ended_ms);

CREATE TABLE event (
    seq     INTEGER PRIMARY KEY,
    at_ms   INTEGER NOT NULL,
    pool    TEXT,
    ordinal INTEGER,
    session TEXT,
    what    TEXT    NOT NULL
) STRICT;
CREATE INDEX event_by_slot ON event (pool, ordinal);
CREATE INDEX event_by_session ON event (session);
