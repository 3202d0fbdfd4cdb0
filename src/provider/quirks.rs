//! How a provider differs from the maker of its dialect, as data.

/// Differences that the translators and the identity lane respect. The default is the dialect's own maker today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quirks {
    /// The provider knows `max_completion_tokens`; otherwise the output limit is called `max_tokens`.
    pub max_completion_tokens: bool,
    /// The provider takes `stream_options.include_usage`.
    pub stream_options: bool,
    /// The provider knows the role `developer`; otherwise it is sent as `system`.
    pub developer_role: bool,
}

impl Default for Quirks {
    fn default() -> Self {
        Self { max_completion_tokens: true, stream_options: true, developer_role: true }
    }
}
