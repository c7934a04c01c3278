//! The paths of the control API.

/// GET: answers 200 while the daemon runs: it is live.
pub const HEALTH: &str = "/v1/health";
/// GET: answers 200 where the daemon can do what it is there for, else 503 with what keeps it.
pub const READY: &str = "/v1/ready";
/// GET: every slot with its session, decision and reason; budgets; unmanaged sessions.
pub const STATUS: &str = "/v1/status";
/// GET: what the next pass would do.
pub const PLAN: &str = "/v1/plan";
/// POST: reports use, and wakes a parked pool.
pub const TOUCH: &str = "/v1/touch";
/// POST: keeps slots empty.
pub const PARK: &str = "/v1/park";
/// POST: lets slots be filled again.
pub const WAKE: &str = "/v1/wake";
/// POST: takes a Ready session, or asks for one.
pub const ACQUIRE: &str = "/v1/acquire";
/// POST: the same for the pool in the path, with a client's own key for the request.
pub const HOLDS: &str = "/v1/pools/{pool}/holds";
/// POST: lets a hold go on for a while.
pub const SNOOZE: &str = "/v1/holds/{hold}/snooze";
/// GET: what the link of a warning would do; POST: does it.
pub const SNOOZE_LINK: &str = "/v1/snooze/{token}";
/// POST: gives a session back.
pub const RELEASE: &str = "/v1/release";
/// POST: reads the policy again.
pub const RELOAD: &str = "/v1/reload";
/// GET: the history of a slot or a pool, newest first.
pub const WHY: &str = "/v1/why";
/// GET: what was spent.
pub const SPEND: &str = "/v1/spend";
/// GET: what each session was billed on each day.
pub const CHARGES: &str = "/v1/charges";
/// GET: this API as an OpenAPI document.
pub const OPENAPI: &str = "/v1/openapi.json";
