//! What the gateway answers by itself, in the client's dialect.

use super::edge::{Edge, Stage};
use super::held::Full;
use super::host::{Flow, Host};
use crate::chat::Failure;
use crate::dialect::lane;
use crate::meter::metrics::Labels;
use crate::meter::stat::Stat;

impl Edge {
    /// Answers with a failure in the client's dialect.
    pub(super) fn fail(&mut self, host: &impl Host, failure: Failure) -> Flow {
        self.fail_with(host, failure, &[])
    }

    pub(super) fn fail_with(&mut self, host: &impl Host, failure: Failure, headers: &[(&str, &str)]) -> Flow {
        let body = self.record.failure_body(&failure, &[]);
        let status = failure.status;
        let mut all = vec![("content-type", "application/json")];
        all.extend(lane::failure_header(self.record.dialect, &failure));
        let wait = failure.retry_after_secs().map(|secs| secs.to_string());
        all.extend(wait.as_deref().map(|secs| ("retry-after", secs)));
        self.record.failure = Some(failure);
        all.extend_from_slice(headers);
        self.answer(host, status, &all, &body)
    }

    /// Answers that there is no room for the body.
    pub(super) fn fail_full(&mut self, host: &impl Host, full: Full) -> Flow {
        self.count_refusal(host, Stat::HeldRefusals, &[("reason", full.as_str())]);
        self.fail(host, full.failure())
    }

    pub(super) fn count_refusal(&self, host: &impl Host, stat: Stat, extra: &[(&str, &str)]) {
        let tenant = self.record.identity.tenant.as_deref().unwrap_or_default();
        let labels = Labels { model: "", provider: "", tenant };
        self.worker.metrics.borrow_mut().add(host, stat, labels, extra, 1);
    }

    pub(super) fn answer_json(&mut self, host: &impl Host, status: u16, body: &[u8]) -> Flow {
        self.answer(host, status, &[("content-type", "application/json")], body)
    }

    pub(super) fn answer(
        &mut self,
        host: &impl Host,
        status: u16,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Flow {
        let cors = std::mem::take(&mut self.cors);
        let mut all: Vec<(&str, &str)> = headers.to_vec();
        all.extend(cors.iter().map(|(n, v)| (*n, v.as_str())));
        all.extend(self.record.dialect.shape().request_id.map(|name| (name, &*self.record.request_id)));
        if self.tables.response_headers {
            all.push(("x-tollgate-request-id", &self.record.request_id));
        }
        host.reply(status, &all, body);
        self.record.status = status;
        self.stage = Stage::Answered;
        Flow::Pause
    }
}
