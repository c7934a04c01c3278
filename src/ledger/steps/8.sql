-- Who held a session when: the n-th use of it. The team is the one that the hold counted to.
CREATE TABLE use (
    session TEXT NOT NULL,
    n INTEGER NOT NULL,
    hold TEXT NOT NULL,
    client TEXT NOT NULL,
    team TEXT,
    from_ms INTEGER NOT NULL,
    to_ms INTEGER NOT NULL,
    PRIMARY KEY (session, n)
) STRICT, WITHOUT ROWID;
-- What clients' own keys for requests stand for, as JSON.
CREATE TABLE hold_key (
    key TEXT NOT NULL,
    owner TEXT NOT NULL,
    used TEXT NOT NULL,
    PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;
-- By when a live session was Ready, as its last write knew it.
ALTER TABLE live ADD COLUMN ready_by_ms INTEGER;
