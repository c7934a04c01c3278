"""Schemathesis makes requests of the document, right ones and wrong ones: none is a server error, and no answer is one
that the document does not tell of."""

import schemathesis
from conftest import printed
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

schema = schemathesis.openapi.from_dict(printed())


# Right requests that are refused all the same: days in the wrong order, both or neither of `hold` and `session`, a number
# of events that no machine can count to, and lengths of time that are none or too long.
MORE_THAN_A_SCHEMA_SAYS = {"/v1/charges", "/v1/spend", "/v1/release", "/v1/why", "/v1/holds/{hold}/snooze"}


@schema.parametrize()
@settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_no_request_is_a_server_error_or_answered_otherwise_than_described(case, url):
    left_out = [positive_data_acceptance] if case.path in MORE_THAN_A_SCHEMA_SAYS else []
    case.call_and_validate(base_url=url, excluded_checks=left_out)
