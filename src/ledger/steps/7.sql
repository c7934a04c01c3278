-- Accounts are read whoever's they are: a budget does not begin again with another owner.
DROP INDEX settled_by_end;
CREATE INDEX settled_by_end ON settled (ended_ms);
