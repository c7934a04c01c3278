-- Which service and account the session lives on. Of older rows it is not known; it is the service that the next start finds in the policy.
ALTER TABLE live ADD COLUMN service TEXT;
