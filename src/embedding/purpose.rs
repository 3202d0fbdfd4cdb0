//! What a vector is for: models that know make a question and its answer neighbours.

use crate::chat::Text;

/// What the vectors of a request are for. The kinds are those of Gemini, which tells the most apart.
#[derive(Debug, Clone, PartialEq)]
pub enum Purpose<'a> {
    /// To look for documents.
    Query,
    /// To be found by queries.
    Document,
    /// To be compared with each other.
    Similarity,
    /// For a classifier.
    Classification,
    /// To be grouped.
    Clustering,
    /// Questions, to find documents with the answer.
    QuestionAnswering,
    /// Statements, to find documents with evidence.
    FactVerification,
    /// Queries for code.
    CodeQuery,
    /// The inputs are pictures (Cohere's word for that stands in the same field).
    Image,
    /// A word that nobody else has.
    Other(Text<'a>),
}

/// Whose words are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words {
    /// `search_query`, `search_document`, `classification`, `clustering`, `image`.
    Cohere,
    /// `RETRIEVAL_QUERY` and so on.
    Gemini,
    /// `query`, `document`.
    Voyage,
    /// `retrieval.query`, `retrieval.passage`, `text-matching`, `classification`, `separation`.
    Jina,
    /// `GENERIC_RETRIEVAL`, `GENERIC_INDEX`, `CLASSIFICATION`, `CLUSTERING`.
    Nova,
}

/// How a purpose is said in somebody's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// So.
    Exactly(&'static str),
    /// Only nearly: worth a warning.
    Nearly(&'static str),
    /// Not at all.
    Never,
}

impl<'a> Purpose<'a> {
    /// Reads a word, whosever it is; `None` for the words that say nothing.
    pub fn of_word(word: Text<'a>) -> Option<Self> {
        Some(match &*word.to_str() {
            "" | "TASK_TYPE_UNSPECIFIED" => return None,
            "search_query" | "query" | "RETRIEVAL_QUERY" | "retrieval.query" | "GENERIC_RETRIEVAL" => {
                Self::Query
            }
            "search_document" | "document" | "passage" | "RETRIEVAL_DOCUMENT" | "retrieval.passage"
            | "GENERIC_INDEX" => Self::Document,
            "SEMANTIC_SIMILARITY" | "text-matching" => Self::Similarity,
            "classification" | "CLASSIFICATION" => Self::Classification,
            "clustering" | "CLUSTERING" | "separation" => Self::Clustering,
            "QUESTION_ANSWERING" => Self::QuestionAnswering,
            "FACT_VERIFICATION" => Self::FactVerification,
            "CODE_RETRIEVAL_QUERY" => Self::CodeQuery,
            "image" => Self::Image,
            _ => Self::Other(word),
        })
    }

    /// The purpose in somebody's words.
    pub fn say(&self, words: Words) -> Said {
        use Said::{Exactly, Nearly, Never};
        match words {
            Words::Gemini => match self {
                Self::Query => Exactly("RETRIEVAL_QUERY"),
                Self::Document => Exactly("RETRIEVAL_DOCUMENT"),
                Self::Similarity => Exactly("SEMANTIC_SIMILARITY"),
                Self::Classification => Exactly("CLASSIFICATION"),
                Self::Clustering => Exactly("CLUSTERING"),
                Self::QuestionAnswering => Exactly("QUESTION_ANSWERING"),
                Self::FactVerification => Exactly("FACT_VERIFICATION"),
                Self::CodeQuery => Exactly("CODE_RETRIEVAL_QUERY"),
                Self::Image | Self::Other(_) => Never,
            },
            Words::Cohere => match self {
                Self::Query => Exactly("search_query"),
                Self::Document => Exactly("search_document"),
                Self::Classification => Exactly("classification"),
                Self::Clustering => Exactly("clustering"),
                Self::Image => Exactly("image"),
                Self::Similarity => Nearly("clustering"),
                Self::QuestionAnswering | Self::FactVerification | Self::CodeQuery => Nearly("search_query"),
                Self::Other(_) => Never,
            },
            Words::Voyage => match self {
                Self::Query => Exactly("query"),
                Self::Document => Exactly("document"),
                Self::QuestionAnswering | Self::FactVerification | Self::CodeQuery => Nearly("query"),
                _ => Never,
            },
            Words::Jina => match self {
                Self::Query => Exactly("retrieval.query"),
                Self::Document => Exactly("retrieval.passage"),
                Self::Similarity => Exactly("text-matching"),
                Self::Classification => Exactly("classification"),
                Self::Clustering => Exactly("separation"),
                Self::QuestionAnswering | Self::FactVerification | Self::CodeQuery => {
                    Nearly("retrieval.query")
                }
                Self::Image | Self::Other(_) => Never,
            },
            Words::Nova => match self {
                Self::Query => Exactly("GENERIC_RETRIEVAL"),
                Self::Document => Exactly("GENERIC_INDEX"),
                Self::Classification => Exactly("CLASSIFICATION"),
                Self::Clustering => Exactly("CLUSTERING"),
                Self::Similarity => Nearly("CLUSTERING"),
                Self::QuestionAnswering | Self::FactVerification | Self::CodeQuery => {
                    Nearly("GENERIC_RETRIEVAL")
                }
                Self::Image | Self::Other(_) => Never,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_said_in_its_own_vocabulary_is_the_same_word() {
        for (words, all) in [
            (
                Words::Cohere,
                &["search_query", "search_document", "classification", "clustering", "image"][..],
            ),
            (Words::Voyage, &["query", "document"]),
            (
                Words::Jina,
                &["retrieval.query", "retrieval.passage", "text-matching", "classification", "separation"],
            ),
            (
                Words::Gemini,
                &[
                    "RETRIEVAL_QUERY",
                    "RETRIEVAL_DOCUMENT",
                    "SEMANTIC_SIMILARITY",
                    "CLASSIFICATION",
                    "CLUSTERING",
                    "QUESTION_ANSWERING",
                    "FACT_VERIFICATION",
                    "CODE_RETRIEVAL_QUERY",
                ],
            ),
            (Words::Nova, &["GENERIC_RETRIEVAL", "GENERIC_INDEX", "CLASSIFICATION", "CLUSTERING"]),
        ] {
            for word in all {
                assert_eq!(Purpose::of_word((*word).into()).unwrap().say(words), Said::Exactly(word));
            }
        }
    }

    #[test]
    fn nothing_said_is_no_purpose() {
        assert_eq!(Purpose::of_word("TASK_TYPE_UNSPECIFIED".into()), None);
        assert_eq!(Purpose::of_word("odd".into()), Some(Purpose::Other("odd".into())));
    }
}
