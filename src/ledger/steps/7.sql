-- Accounts are read whoever's they are: a budget does not begin again with another owner.
DROP INDEX settled_by_end;
CREATE INDEX settled_by_end ON settled (ended_ms);
-- What was told and need not be told again: why a slot is kept empty, and the alerts of budgets.
ALTER TABLE slot ADD COLUMN told TEXT;
CREATE TABLE alert (
    owner    TEXT    NOT NULL,
    budget   TEXT    NOT NULL,
    start_ms INTEGER NOT NULL,
    share    TEXT    NOT NULL,
    bound    TEXT    NOT NULL
) STRICT;
