//! Solvers in TOML.

use toml::Spanned;
use toml::de::DeValue;

use super::fields::{Fields, Lines, mismatch, real, whole};
use crate::error::NetworkError;
use crate::{Policy, Solver, SolverKind};

const FIELDS: [&str; 12] = [
    "type",
    "lr",
    "momentum",
    "beta1",
    "beta2",
    "eps",
    "weight_decay",
    "policy",
    "batch",
    "iterations",
    "validate_every",
    "seed",
];

const POLICIES: [&str; 7] = ["fixed", "step", "multistep", "exp", "inv", "poly", "sigmoid"];

type Value<'a> = &'a Spanned<DeValue<'a>>;

/// Reads the `[solver]` table.
pub(super) fn read_solver<'a>(value: Value<'a>, lines: &'a Lines) -> Result<Solver, NetworkError> {
    let fields = Fields::inside(value, lines, &FIELDS)?;
    let default = Solver::default();
    let policy = fields.read("policy", |value| read_policy(value, lines))?;
    let solver = Solver {
        kind: read_kind(&fields)?,
        lr: fields.real("lr")?.unwrap_or(default.lr),
        weight_decay: fields.real("weight_decay")?.unwrap_or(default.weight_decay),
        policy: policy.unwrap_or(default.policy),
        batch: fields.size("batch")?.unwrap_or(default.batch),
        iterations: fields.whole("iterations")?.unwrap_or(default.iterations),
        validate_every: fields.whole("validate_every")?.unwrap_or(default.validate_every),
        seed: fields.whole("seed")?,
    };
    solver.check().map_err(|e| fields.locate(e))?;
    Ok(solver)
}

fn read_kind(fields: &Fields<'_>) -> Result<SolverKind, NetworkError> {
    let kind = match fields.text("type")? {
        None | Some("sgd") => SolverKind::default(),
        Some("adam") => SolverKind::ADAM,
        Some(other) => {
            let error = NetworkError::unknown("solver type", other, &["sgd", "adam"]);
            return Err(error.in_field("type").at_line(fields.line_of("type")));
        }
    };
    let foreign = match kind {
        SolverKind::Sgd { .. } => ["beta1", "beta2", "eps"].as_slice(),
        SolverKind::Adam { .. } => &["momentum"],
    };
    if let Some(field) = foreign.iter().find(|field| fields.get(field).is_some()) {
        let (own, other) = if foreign.len() == 1 { ("adam", "sgd") } else { ("sgd", "adam") };
        let error = NetworkError::value(format!("only with type = {other:?}"), format!("it with {own:?}"));
        return Err(fields.locate(error.in_field(field)));
    }
    Ok(match kind {
        SolverKind::Sgd { momentum } => {
            SolverKind::Sgd { momentum: fields.real("momentum")?.unwrap_or(momentum) }
        }
        SolverKind::Adam { beta1, beta2, eps } => SolverKind::Adam {
            beta1: fields.real("beta1")?.unwrap_or(beta1),
            beta2: fields.real("beta2")?.unwrap_or(beta2),
            eps: fields.real("eps")?.unwrap_or(eps),
        },
    })
}

/// `"fixed"`, or a table with one policy: `{ inv = { gamma = 0.0001, power = 0.75 } }`.
fn read_policy<'a>(value: Value<'a>, lines: &'a Lines) -> Result<Policy, NetworkError> {
    if let DeValue::String(name) = value.get_ref() {
        return match name.as_ref() {
            "fixed" => Ok(Policy::Fixed),
            name if POLICIES.contains(&name) => Err(NetworkError::value(
                format!("{{ {name} = {{ … }} }} with its values"),
                format!("{name:?} alone"),
            )),
            name => Err(NetworkError::unknown("policy", name, &POLICIES)),
        };
    }
    let outer = Fields::inside(value, lines, &POLICIES)?;
    let present: Vec<&str> = POLICIES.into_iter().filter(|name| outer.get(name).is_some()).collect();
    let [name] = present[..] else {
        return Err(mismatch("one policy, as { inv = { gamma = 0.0001, power = 0.75 } }", value));
    };
    let policy = outer
        .read(name, |value| policy_of_fields(name, &Fields::inside(value, lines, policy_fields(name))?))?;
    policy.ok_or_else(|| outer.missing(name, "a table"))
}

fn policy_fields(name: &str) -> &'static [&'static str] {
    match name {
        "step" | "sigmoid" => &["gamma", "step"],
        "multistep" => &["gamma", "steps"],
        "exp" => &["gamma"],
        "inv" => &["gamma", "power"],
        "poly" => &["power"],
        _ => &[],
    }
}

fn policy_of_fields(name: &str, fields: &Fields<'_>) -> Result<Policy, NetworkError> {
    let number = |key: &str| fields.read(key, real)?.ok_or_else(|| fields.missing(key, "a number"));
    let step = || fields.whole("step")?.ok_or_else(|| fields.missing("step", "a number of iterations"));
    Ok(match name {
        "step" => Policy::Step { gamma: number("gamma")?, step: step()? },
        "sigmoid" => Policy::Sigmoid { gamma: number("gamma")?, step: step()? },
        "multistep" => {
            let expected = "ascending iterations, as [5000, 7000]";
            let steps = fields.list("steps", expected, whole)?;
            Policy::MultiStep {
                gamma: number("gamma")?,
                steps: steps.ok_or_else(|| fields.missing("steps", expected))?,
            }
        }
        "exp" => Policy::Exp { gamma: number("gamma")? },
        "inv" => Policy::Inv { gamma: number("gamma")?, power: number("power")? },
        "poly" => Policy::Poly { power: number("power")? },
        _ => Policy::Fixed,
    })
}
