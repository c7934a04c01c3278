-- When a client last gave the session back.
ALTER TABLE live ADD COLUMN released_ms INTEGER;
