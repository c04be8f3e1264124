//! Writing a network as TOML.

use std::fmt::Write;

use crate::{
    BatchNorm, Conv2d, Filler, Layer, Lrn, LrnRegion, Network, Op, ParameterSpec, Policy, Pool,
    Preprocessing, Solver, SolverKind, VarianceNorm,
};

impl Network {
    /// The network as TOML; [`Network::from_toml`] reads it back equal. Defaults are left out.
    pub fn to_toml(&self) -> String {
        let mut out = format!("name = {}\n", quoted(&self.name));
        if let Some([channels, height, width]) = self.input {
            push(
                &mut out,
                format_args!("input = {{ channels = {channels}, height = {height}, width = {width} }}\n"),
            );
        }
        if !self.notes.is_empty() {
            push(&mut out, format_args!("notes = {}\n", list(self.notes.iter().map(|note| quoted(note)))));
        }
        for layer in &self.layers {
            write_layer(&mut out, layer);
        }
        if self.preprocessing != Preprocessing::default() {
            write_preprocessing(&mut out, &self.preprocessing);
        }
        if let Some(solver) = &self.solver {
            write_solver(&mut out, solver);
        }
        out
    }
}

fn push(out: &mut String, line: std::fmt::Arguments<'_>) {
    out.write_fmt(line).expect("writing to a String cannot fail");
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// `{ key = value, … }`, or `{}`.
fn table(entries: &[String]) -> String {
    if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) }
}

/// Shortest form that reads back to the same number.
fn number(value: f64) -> String {
    format!("{value:?}")
}

fn pair([vertical, horizontal]: [usize; 2]) -> String {
    if vertical == horizontal { vertical.to_string() } else { format!("[{vertical}, {horizontal}]") }
}

fn write_layer(out: &mut String, layer: &Layer) {
    push(out, format_args!("\n[[layer]]\nname = {}\n", quoted(&layer.name)));
    push(out, format_args!("{} = {}\n", layer.op.kind(), table(&op_entries(&layer.op))));
    if !layer.inputs.is_empty() {
        push(out, format_args!("inputs = {}\n", list(layer.inputs.iter().map(|input| quoted(input)))));
    }
    for (key, parameter) in [("weight", &layer.weight), ("bias", &layer.bias)] {
        if *parameter != ParameterSpec::default() {
            push(out, format_args!("{key} = {}\n", table(&parameter_entries(parameter))));
        }
    }
}

fn op_entries(op: &Op) -> Vec<String> {
    match op {
        Op::Conv2d(conv) => conv_entries(conv),
        Op::Dense(dense) => {
            let mut entries = vec![format!("units = {}", dense.units)];
            if !dense.bias {
                entries.push("bias = false".to_owned());
            }
            entries
        }
        Op::MaxPool(pool) | Op::AvgPool(pool) => pool_entries(pool),
        Op::LeakyRelu { slope } => vec![format!("slope = {}", number(*slope))],
        Op::Elu { alpha } => vec![format!("alpha = {}", number(*alpha))],
        Op::Dropout { rate } => vec![format!("rate = {}", number(*rate))],
        Op::BatchNorm(norm) => norm_entries(norm),
        Op::Lrn(lrn) => lrn_entries(lrn),
        _ => Vec::new(),
    }
}

fn conv_entries(conv: &Conv2d) -> Vec<String> {
    let mut entries = vec![format!("filters = {}", conv.filters), format!("kernel = {}", pair(conv.kernel))];
    if conv.stride != [1; 2] {
        entries.push(format!("stride = {}", pair(conv.stride)));
    }
    if conv.padding != [0; 2] {
        entries.push(format!("padding = {}", pair(conv.padding)));
    }
    if conv.groups != 1 {
        entries.push(format!("groups = {}", conv.groups));
    }
    if conv.dilation != [1; 2] {
        entries.push(format!("dilation = {}", pair(conv.dilation)));
    }
    if !conv.bias {
        entries.push("bias = false".to_owned());
    }
    entries
}

fn pool_entries(pool: &Pool) -> Vec<String> {
    let mut entries =
        vec![format!("kernel = {}", pair(pool.kernel)), format!("stride = {}", pair(pool.stride))];
    if pool.padding != [0; 2] {
        entries.push(format!("padding = {}", pair(pool.padding)));
    }
    if pool.ceil {
        entries.push("ceil = true".to_owned());
    }
    entries
}

fn norm_entries(norm: &BatchNorm) -> Vec<String> {
    let mut entries =
        vec![format!("eps = {}", number(norm.eps)), format!("momentum = {}", number(norm.momentum))];
    if !norm.affine {
        entries.push("affine = false".to_owned());
    }
    entries
}

fn lrn_entries(lrn: &Lrn) -> Vec<String> {
    let mut entries = vec![
        format!("size = {}", lrn.size),
        format!("alpha = {}", number(lrn.alpha)),
        format!("beta = {}", number(lrn.beta)),
        format!("k = {}", number(lrn.k)),
    ];
    if lrn.region == LrnRegion::WithinChannel {
        entries.push("region = \"within_channel\"".to_owned());
    }
    entries
}

fn parameter_entries(parameter: &ParameterSpec) -> Vec<String> {
    let default = ParameterSpec::default();
    let mut entries = Vec::new();
    if parameter.lr_mult != default.lr_mult {
        entries.push(format!("lr_mult = {}", number(parameter.lr_mult)));
    }
    if parameter.decay_mult != default.decay_mult {
        entries.push(format!("decay_mult = {}", number(parameter.decay_mult)));
    }
    entries.extend(parameter.filler.map(|filler| format!("filler = {}", filler_text(filler))));
    entries
}

fn filler_text(filler: Filler) -> String {
    let norm_text = |kind: &str, norm: VarianceNorm| match norm {
        VarianceNorm::FanIn => format!("\"{kind}\""),
        VarianceNorm::FanOut => format!("{{ {kind} = {{ norm = \"fan_out\" }} }}"),
        VarianceNorm::Average => format!("{{ {kind} = {{ norm = \"average\" }} }}"),
    };
    match filler {
        Filler::Constant { value } => format!("{{ constant = {{ value = {} }} }}", number(value)),
        Filler::Uniform { min, max } => {
            format!("{{ uniform = {{ min = {}, max = {} }} }}", number(min), number(max))
        }
        Filler::Gaussian { mean, std } => {
            format!("{{ gaussian = {{ mean = {}, std = {} }} }}", number(mean), number(std))
        }
        Filler::Xavier { norm } => norm_text("xavier", norm),
        Filler::Msra { norm } => norm_text("msra", norm),
    }
}

fn write_preprocessing(out: &mut String, preprocessing: &Preprocessing) {
    let default = Preprocessing::default();
    out.push_str("\n[preprocessing]\n");
    if preprocessing.scale != default.scale {
        push(out, format_args!("scale = {}\n", number(preprocessing.scale)));
    }
    if !preprocessing.mean.is_empty() {
        push(out, format_args!("mean = {}\n", list(preprocessing.mean.iter().map(|&mean| number(mean)))));
    }
    if let Some(file) = &preprocessing.mean_file {
        push(out, format_args!("mean_file = {}\n", quoted(file)));
    }
    if let Some(crop) = preprocessing.crop {
        push(out, format_args!("crop = {crop}\n"));
    }
    if preprocessing.mirror {
        out.push_str("mirror = true\n");
    }
    if let Some(batch) = preprocessing.batch {
        push(out, format_args!("batch = {batch}\n"));
    }
}

/// All of a solver's fields, so that the record of a run does not depend on later defaults.
fn write_solver(out: &mut String, solver: &Solver) {
    out.push_str("\n[solver]\n");
    match solver.kind {
        SolverKind::Sgd { momentum } => {
            push(out, format_args!("type = \"sgd\"\nmomentum = {}\n", number(momentum)));
        }
        SolverKind::Adam { beta1, beta2, eps } => {
            push(
                out,
                format_args!("type = \"adam\"\nbeta1 = {}\nbeta2 = {}\n", number(beta1), number(beta2)),
            );
            push(out, format_args!("eps = {}\n", number(eps)));
        }
    }
    push(out, format_args!("lr = {}\nweight_decay = {}\n", number(solver.lr), number(solver.weight_decay)));
    push(out, format_args!("policy = {}\n", policy_text(&solver.policy)));
    push(out, format_args!("batch = {}\niterations = {}\n", solver.batch, solver.iterations));
    push(out, format_args!("validate_every = {}\n", solver.validate_every));
    if let Some(seed) = solver.seed {
        push(out, format_args!("seed = {seed}\n"));
    }
}

fn policy_text(policy: &Policy) -> String {
    let values = match policy {
        Policy::Fixed => return "\"fixed\"".to_owned(),
        Policy::Step { gamma, step } | Policy::Sigmoid { gamma, step } => {
            format!("gamma = {}, step = {step}", number(*gamma))
        }
        Policy::MultiStep { gamma, steps } => {
            format!("gamma = {}, steps = {}", number(*gamma), list(steps.iter().map(u64::to_string)))
        }
        Policy::Exp { gamma } => format!("gamma = {}", number(*gamma)),
        Policy::Inv { gamma, power } => format!("gamma = {}, power = {}", number(*gamma), number(*power)),
        Policy::Poly { power } => format!("power = {}", number(*power)),
    };
    format!("{{ {} = {{ {values} }} }}", policy.name())
}
