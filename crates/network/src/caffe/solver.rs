//! Caffe's solver files.

use super::message::{Field, Message, parse};
use super::network::read_network;
use crate::error::{NetworkError, Problem};
use crate::{Network, Policy, Solver, SolverKind};

/// What a solver file says.
#[derive(Debug, Clone, PartialEq)]
pub struct SolverFile {
    /// The solver. Its batch is that of the network in this file, or the default: where the network is in a file of
    /// its own, that network's [`Preprocessing::batch`](crate::Preprocessing::batch) tells it.
    pub solver: Solver,
    /// The file of the network, as named (in Caffe relative to where Caffe is started).
    pub net: Option<String>,
    /// The network, where it stands in the solver file itself.
    pub network: Option<Network>,
}

const FIELDS: [&str; 43] = [
    "net",
    "net_param",
    "train_net",
    "train_net_param",
    "test_net",
    "test_net_param",
    "train_state",
    "test_state",
    "test_iter",
    "test_interval",
    "test_compute_loss",
    "test_initialization",
    "base_lr",
    "display",
    "average_loss",
    "max_iter",
    "iter_size",
    "lr_policy",
    "gamma",
    "power",
    "momentum",
    "weight_decay",
    "regularization_type",
    "stepsize",
    "stepvalue",
    "clip_gradients",
    "snapshot",
    "snapshot_prefix",
    "snapshot_diff",
    "snapshot_format",
    "solver_mode",
    "device_id",
    "random_seed",
    "type",
    "delta",
    "momentum2",
    "rms_decay",
    "debug_info",
    "snapshot_after_train",
    "solver_type",
    "layer_wise_reduce",
    "weights",
    "warmup_iter",
];

/// Reads a solver in Caffe's text format.
///
/// Caffe's own defaults hold where a field is absent (momentum and weight decay 0), this crate's where Caffe has none.
///
/// # Errors
/// With line and field, where the text is not in the format, a value is out of range, or the solver is of a kind that
/// has no counterpart here (AdaDelta, AdaGrad, Nesterov, RMSProp; L1 regularisation; clipped or accumulated gradients).
pub fn read_solver(text: &str) -> Result<SolverFile, NetworkError> {
    let message = parse(text)?;
    message.only(&FIELDS)?;
    refuse_unsupported(&message)?;
    let network = match message.get("net_param").or(message.get("train_net_param")) {
        Some(field) => Some(read_network(field.message()?)?),
        None => None,
    };
    let net = match message.text("net")? {
        Some(net) => Some(net),
        None => message.text("train_net")?,
    };
    let default = Solver::default();
    let batch = network.as_ref().and_then(|network| network.preprocessing.batch);
    let solver = Solver {
        kind: read_kind(&message)?,
        lr: message.real("base_lr")?.ok_or_else(|| missing("base_lr", "a number above 0"))?,
        weight_decay: message.real("weight_decay")?.unwrap_or(0.0),
        policy: read_policy(&message)?,
        batch: batch.unwrap_or(default.batch),
        iterations: message.whole("max_iter")?.unwrap_or(default.iterations),
        validate_every: message
            .whole("test_interval")?
            .filter(|&every| every > 0)
            .unwrap_or(default.validate_every),
        seed: read_seed(&message)?,
    };
    solver.check().map_err(|e| locate(&message, e))?;
    Ok(SolverFile { solver, net: net.map(str::to_owned), network })
}

fn missing(field: &str, expected: &str) -> NetworkError {
    NetworkError::new(Problem::Missing(expected.to_owned())).in_field(field).at_line(1)
}

fn unsupported(field: &Field, message: String) -> NetworkError {
    NetworkError::new(Problem::Unsupported(message)).in_field(&field.name).at_line(field.line)
}

/// Names Caffe's field, and its line, in an error about one of [`Solver`]'s.
fn locate(message: &Message, mut error: NetworkError) -> NetworkError {
    let caffe_name = match error.field.as_deref() {
        Some("lr") => "base_lr",
        Some("iterations") => "max_iter",
        Some("step") => "stepsize",
        Some("steps") => "stepvalue",
        Some("beta1") => "momentum",
        Some("beta2") => "momentum2",
        Some("eps") => "delta",
        Some(other) => other,
        None => return error,
    }
    .to_owned();
    let line = message.get(&caffe_name).map_or(1, |field| field.line);
    error.field = Some(caffe_name);
    error.at_line(line)
}

fn refuse_unsupported(message: &Message) -> Result<(), NetworkError> {
    if let Some(field) = message.get("regularization_type").filter(|field| field.text() != Ok("L2")) {
        return Err(unsupported(field, format!("regularisation {} is not supported; L2 is", field.text()?)));
    }
    if let Some(field) = message.get("clip_gradients")
        && field.real()? > 0.0
    {
        return Err(unsupported(
            field,
            "clipped gradients are not supported; remove clip_gradients".to_owned(),
        ));
    }
    if let Some(field) = message.get("iter_size")
        && field.whole()? > 1
    {
        return Err(unsupported(
            field,
            "accumulated gradients are not supported; use a larger batch".to_owned(),
        ));
    }
    Ok(())
}

fn read_kind(message: &Message) -> Result<SolverKind, NetworkError> {
    let momentum = message.real("momentum")?.unwrap_or(0.0);
    let Some(field) = message.get("type").or(message.get("solver_type")) else {
        return Ok(SolverKind::Sgd { momentum });
    };
    match field.text()? {
        "SGD" | "0" => Ok(SolverKind::Sgd { momentum }),
        "Adam" | "ADAM" | "5" => Ok(SolverKind::Adam {
            beta1: momentum,
            beta2: message.real("momentum2")?.unwrap_or(0.999),
            eps: message.real("delta")?.unwrap_or(1e-8),
        }),
        other => Err(unsupported(field, format!("the solver {other} is not supported; SGD and Adam are"))),
    }
}

fn read_policy(message: &Message) -> Result<Policy, NetworkError> {
    let Some(field) = message.get("lr_policy") else {
        return Err(missing("lr_policy", "fixed, step, multistep, exp, inv, poly or sigmoid"));
    };
    let real = |name: &str| message.real(name)?.ok_or_else(|| missing(name, "a number").at_line(field.line));
    let stepsize = || {
        message
            .whole("stepsize")?
            .ok_or_else(|| missing("stepsize", "a number of iterations").at_line(field.line))
    };
    Ok(match field.text()? {
        "fixed" => Policy::Fixed,
        "step" => Policy::Step { gamma: real("gamma")?, step: stepsize()? },
        "multistep" => {
            let steps = message.all("stepvalue").map(Field::whole).collect::<Result<Vec<_>, _>>()?;
            Policy::MultiStep { gamma: real("gamma")?, steps }
        }
        "exp" => Policy::Exp { gamma: real("gamma")? },
        "inv" => Policy::Inv { gamma: real("gamma")?, power: real("power")? },
        "poly" => Policy::Poly { power: real("power")? },
        "sigmoid" => Policy::Sigmoid { gamma: real("gamma")?, step: stepsize()? },
        other => {
            let known = ["fixed", "step", "multistep", "exp", "inv", "poly", "sigmoid"];
            return Err(field.locate(NetworkError::unknown("policy", other, &known)));
        }
    })
}

/// A negative seed means none.
fn read_seed(message: &Message) -> Result<Option<u64>, NetworkError> {
    let Some(field) = message.get("random_seed") else {
        return Ok(None);
    };
    let text = field.text()?;
    match text.parse::<i64>() {
        Ok(seed) => Ok(u64::try_from(seed).ok()),
        Err(_) => Err(field.mismatch("a whole number", text)),
    }
}
