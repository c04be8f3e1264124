//! What goes over the wire: the only types that a page sees. `web/src/wire` and the OpenAPI document are made from them.

mod course;
mod finding;
mod frame;
mod ingest;
mod layer;
mod live;
mod map;
mod plan;
mod run;
mod start;
mod tensorboard;
mod typescript;

pub use course::{Course, LayerCourse, Scalars, Validations};
pub use finding::{FindingCounts, FindingItem, FindingKind, Findings, Severity};
pub use frame::{ArrayHeader, Dtype, FrameHeader};
pub use ingest::{IngestEnd, IngestGap, IngestStart, IngestStarted, IngestTaken};
pub use layer::{LayerMeta, LayerSummary, Overview, Separability};
pub use live::{ClientMessage, OverviewMessage, RunMessage, ScalarsMessage, ServerMessage, View};
pub use map::{DrillRequest, FilterMapMeta, InputMapMeta, PatchesMeta};
pub use plan::{ActionKind, Cost, Plan, PlanAction, PlanCosts, PlanRequest};
pub use run::{Controls, LayerInfo, ReceptiveField, Rectify, RunDetail, RunList, RunStatus, RunSummary};
pub use start::{StartRequest, Started, Starting};
pub use tensorboard::{Tensorboard, TensorboardSeries};
pub use typescript::write_typescript;

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

/// An enum of another crate as the wire has it: the same variants, in snake case.
macro_rules! mirror {
    ($(#[$doc:meta])* $name:ident = $of:ty { $($(#[$variant_doc:meta])* $variant:ident),+ $(,)? }) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, ts_rs::TS, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        $(#[$doc])*
        pub enum $name {
            $($(#[$variant_doc])* $variant),+
        }

        impl From<$of> for $name {
            fn from(value: $of) -> Self {
                match value {
                    $(<$of>::$variant => Self::$variant),+
                }
            }
        }
    };
}
use mirror;

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct ErrorBody {
    /// One sentence: what, where, what to do.
    pub error: String,
}

/// JSON has no NaN and no infinity: `None` stands for them.
pub(crate) fn finite(value: f64) -> Option<f64> {
    Some(value).filter(|value| value.is_finite())
}
