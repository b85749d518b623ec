"""Checks of .ci/schemathesis that Schemathesis does not have."""

import schemathesis


@schemathesis.check
def valid_data_acceptance(ctx, response, case):
    """Valid requests are not refused, except for reasons that no schema can express.

    The documents list these as x-refusals. An answer to HEAD says no reason.
    """
    if case.meta is None or not case.meta.generation.mode.is_positive or case.method.upper() == "HEAD":
        return
    if response.status_code not in (400, 405, 406, 415):
        return
    reasons = case.operation.schema.raw_schema["x-refusals"]
    if response.status_code != 400 or not any(reason in response.text for reason in reasons):
        raise AssertionError("A valid request was refused, and x-refusals have no such reason")
