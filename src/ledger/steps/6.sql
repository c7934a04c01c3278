-- Holds have ids of their own. Those of older rows are made of their sessions' ids, which end in 26 characters that are unique.
UPDATE live SET hold = json_set(hold, '$.id', 'hold-' || substr(id, -26)) WHERE hold IS NOT NULL;
-- Clients that wait for a session. Ids sort by the order in which they asked.
CREATE TABLE waiting (
    hold   TEXT NOT NULL PRIMARY KEY,
    owner  TEXT NOT NULL,
    waiter TEXT NOT NULL
) STRICT, WITHOUT ROWID;
