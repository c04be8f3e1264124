//! A training's state as bytes: weights as a safetensors document, everything else in a document of our own.

use crate::TrainError;
use crate::model::{Model, Values};
use crate::optimizer::Moments;
use crate::step::read;
use burn::tensor::{Device, Tensor, TensorData};
use deepeyes_core::Checkpoint;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

/// Written in front of the state; a change of [`State`] changes it.
const VERSION: u8 = 1;

/// What a training needs to go on, besides its weights. Generators have no state: whatever is random is found again from
/// the seed and a place (see `streams`).
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct State {
    /// Iterations done.
    pub(crate) step: u64,
    /// Inputs seen: the place in the run's stream of inputs.
    pub(crate) place: u64,
    pub(crate) seed: u64,
    pub(crate) shards: usize,
    /// Inputs of the training set; a place means nothing in another one.
    pub(crate) training_inputs: usize,
    /// For each parameter its moments, row-major; none before the first update, or where it never learnt.
    pub(crate) moments: Vec<Vec<Vec<f32>>>,
}

/// Packs a training's state.
pub(crate) fn pack(model: &Model, values: &Values, state: &State) -> Checkpoint {
    let mut bytes = vec![VERSION];
    bytes.extend(postcard::to_stdvec(state).expect("a state of plain numbers can be written"));
    Checkpoint { step: state.step, weights: weights(model, values).into(), state: bytes.into() }
}

/// Parameters and buffers by name, as a safetensors document.
pub(crate) fn weights(model: &Model, values: &Values) -> Vec<u8> {
    let little = |values: Vec<f32>| values.into_iter().flat_map(f32::to_le_bytes).collect::<Vec<u8>>();
    let parameters = model.parameters.iter().zip(&values.parameters);
    let buffers = model.buffers.iter().zip(&values.buffers);
    let arrays: Vec<(&str, Vec<usize>, Vec<u8>)> = parameters
        .map(|(slot, value)| (slot.name.as_str(), slot.shape.clone(), little(read(value.clone()))))
        .chain(
            buffers
                .map(|(slot, value)| (slot.name.as_str(), vec![slot.channels], little(read(value.clone())))),
        )
        .collect();
    let views = arrays.iter().map(|(name, shape, bytes)| {
        let view =
            TensorView::new(Dtype::F32, shape.clone(), bytes).expect("the bytes are those of the shape");
        (*name, view)
    });
    safetensors::serialize(views, None).expect("names are unique and shapes right")
}

/// Unpacks a checkpoint of this model.
pub(crate) fn unpack(
    checkpoint: &Checkpoint,
    model: &Model,
    device: &Device,
) -> Result<(Values, Vec<Moments>, State), TrainError> {
    let wrong = |reason: String| TrainError::Checkpoint { step: checkpoint.step, reason };
    let state = match checkpoint.state.split_first() {
        Some((&VERSION, rest)) => {
            postcard::from_bytes::<State>(rest).map_err(|e| wrong(format!("its state is broken ({e})")))?
        }
        Some((&other, _)) => {
            return Err(wrong(format!(
                "its state has version {other}; this program reads version {VERSION}"
            )));
        }
        None => return Err(wrong("it holds weights only, and no state".to_owned())),
    };
    let document = SafeTensors::deserialize(&checkpoint.weights)
        .map_err(|e| wrong(format!("its weights are broken ({e})")))?;
    let array = |name: &str, shape: &[usize]| {
        let view = document
            .tensor(name)
            .map_err(|_| wrong(format!("it has no array {name:?}: the network differs")))?;
        if view.dtype() != Dtype::F32 || view.shape() != shape {
            let found = view.shape();
            return Err(wrong(format!("its array {name:?} is {found:?}; the network's is {shape:?}")));
        }
        Ok(view
            .data()
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect::<Vec<f32>>())
    };
    let tensor = |values: Vec<f32>, shape: &[usize]| {
        Tensor::<4>::from_data(TensorData::new(values, super::model::padded(shape)), device)
    };
    let parameters = model
        .parameters
        .iter()
        .map(|slot| Ok(tensor(array(&slot.name, &slot.shape)?, &slot.shape)))
        .collect::<Result<_, TrainError>>()?;
    let buffers = model
        .buffers
        .iter()
        .map(|slot| {
            Ok(Tensor::from_data(
                TensorData::new(array(&slot.name, &[slot.channels])?, [slot.channels]),
                device,
            ))
        })
        .collect::<Result<_, TrainError>>()?;
    let fits = |(slot, moments): (&crate::model::ParameterSlot, &Vec<Vec<f32>>)| {
        moments.iter().all(|values| values.len() == slot.shape.iter().product::<usize>())
    };
    if state.moments.len() != model.parameters.len() || !model.parameters.iter().zip(&state.moments).all(fits)
    {
        return Err(wrong("its optimizer's state is of another network".to_owned()));
    }
    let moments = model
        .parameters
        .iter()
        .zip(&state.moments)
        .map(|(slot, moments)| {
            Moments(moments.iter().map(|values| tensor(values.clone(), &slot.shape)).collect())
        })
        .collect();
    Ok((Values { parameters, buffers }, moments, state))
}

/// The moments as numbers.
pub(crate) fn plain(moments: &[Moments]) -> Vec<Vec<Vec<f32>>> {
    moments.iter().map(|moments| moments.0.iter().cloned().map(read).collect()).collect()
}
