-- Where a session is or was, where the policy names more than one region.
ALTER TABLE live ADD COLUMN region TEXT;
ALTER TABLE settled ADD COLUMN region TEXT;
