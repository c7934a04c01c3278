//! One request of the session API and what the service replies, without anything of the network
//! between them.

use crate::keeper::Session;
use crate::service::{FailureKind, Operation};
use crate::units::{Minutes, SessionId, Size, Span};

/// What is asked of the service.
#[derive(Clone, Debug)]
pub(in crate::sim) enum ServiceRequest {
    Create {
        id: SessionId,
        size: Size,
        lease: Minutes,
    },
    Get(SessionId),
    List,
    Extend {
        id: SessionId,
        lease: Minutes,
    },
    Stop(SessionId),
    /// Nothing: time is to pass.
    Pause,
}

impl ServiceRequest {
    pub(in crate::sim) const fn operation(&self) -> Operation {
        match self {
            Self::Create { .. } => Operation::Create,
            Self::Get(_) => Operation::Get,
            Self::List | Self::Pause => Operation::List,
            Self::Extend { .. } => Operation::Extend,
            Self::Stop(_) => Operation::Stop,
        }
    }

    pub(in crate::sim) const fn session(&self) -> Option<&SessionId> {
        match self {
            Self::Create { id, .. } | Self::Get(id) | Self::Extend { id, .. } | Self::Stop(id) => {
                Some(id)
            }
            Self::List | Self::Pause => None,
        }
    }
}

/// What the service replied.
#[derive(Clone, Debug)]
pub(in crate::sim) enum ServiceReply {
    Session(Session),
    Sessions(Vec<Session>),
    Nothing,
}

/// How a request failed, as its sender sees it.
#[derive(Clone, Debug)]
pub(in crate::sim) enum ServiceFailure {
    Kind(FailureKind, &'static str),
    Throttled(Span),
}

pub(in crate::sim) type ServiceResult = Result<ServiceReply, ServiceFailure>;
