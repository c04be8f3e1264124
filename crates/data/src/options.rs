//! How a data set is to be opened.

use crate::DataError;

/// How [`open`](crate::open) reads a data set.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenOptions {
    /// Share of the images set apart for validation, in (0, 1), where the data set has no validation images of its own.
    /// Default: 0.1.
    pub val_share: Option<f64>,
    /// `[height, width]` that image folders are brought to: scaled until they cover it, then cut around the centre.
    /// Default: the images' own size where they agree, else a square of the median shorter side, at most 224.
    pub resize: Option<[usize; 2]>,
    /// Seed of the split into training and validation images.
    pub seed: u64,
    /// Memory for decoded images of a folder, in bytes. Images beyond it are decoded each time they are asked for.
    pub cache_bytes: usize,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { val_share: None, resize: None, seed: 0, cache_bytes: 1 << 30 }
    }
}

impl OpenOptions {
    /// The validation share where the data set does not say what is for validation.
    pub(crate) fn val_share_or_default(&self) -> f64 {
        self.val_share.unwrap_or(0.1)
    }

    pub(crate) fn check(&self) -> Result<(), DataError> {
        if let Some(share) = self.val_share
            && !(share > 0.0 && share < 1.0)
        {
            let expected = "a share between 0 and 1, both excluded";
            return Err(DataError::Option {
                option: "the validation share",
                value: share.to_string(),
                expected,
            });
        }
        if let Some([height, width]) = self.resize
            && [height, width].iter().any(|side| !(1..=8192).contains(side))
        {
            let value = format!("{height} x {width}");
            return Err(DataError::Option { option: "the image size", value, expected: "1 to 8192 a side" });
        }
        Ok(())
    }

    /// A note for those who asked for a share of a data set that has its own split.
    pub(crate) fn unused_share_note(&self) -> Option<String> {
        self.val_share.map(|share| {
            format!(
                "the validation share {share} is not used: the data set says itself what is for validation"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_range_are_refused() {
        for share in [0.0, 1.0, -0.1, f64::NAN] {
            let error = OpenOptions { val_share: Some(share), ..Default::default() }.check().unwrap_err();
            assert!(error.to_string().contains("between 0 and 1"), "{error}");
        }
        for resize in [[0, 8], [8, 0], [8, 9000], [9000, 9000]] {
            let error = OpenOptions { resize: Some(resize), ..Default::default() }.check().unwrap_err();
            assert!(error.to_string().contains("1 to 8192"), "{error}");
        }
        assert!(
            OpenOptions { val_share: Some(0.2), resize: Some([1, 8192]), ..Default::default() }
                .check()
                .is_ok()
        );
    }
}
