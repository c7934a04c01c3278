//! The operations of the API, which requests ask for and fault rules are about.

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::host) enum ApiOperation {
    /// `PUT /accounts/{account}/sessions/{id}`
    Create,
    /// `GET /accounts/{account}/sessions/{id}`
    Get,
    /// `PATCH /accounts/{account}/sessions/{id}`
    Update,
    /// `POST /accounts/{account}/sessions/{id}/:stop`
    Stop,
    /// `GET /accounts/{account}/sessions`
    List,
    /// `GET /Accounts/{account}/token`
    Token,
}
