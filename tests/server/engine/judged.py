"""Every option of `vllm serve` 0.32 that this server leaves to the operator, by the reason why it does not undo the guard.

`server.engine.flags.REFUSED` has the others. A new version of vLLM may bring new options: judge each one, and add it here or
there.
"""

from __future__ import annotations

from collections.abc import Mapping

_BEHIND_THE_SCREEN = """
--lora-modules --chat-template --chat-template-content-format --default-chat-template-kwargs --response-role
--enable-auto-tool-choice --exclude-tools-when-tool-choice-none --tool-call-parser --tool-parser-plugin --tool-strict-level
--reasoning-parser --reasoning-parser-plugin --enable-prompt-tokens-details --enable-per-request-metrics
--enable-force-include-usage --sse-keep-alive-interval --cohere-is-reasoning-model --cohere-format
--anthropic-disabled-thinking-effort --fingerprint-mode --fingerprint-value --enable-return-routed-experts --aux-output-config
--served-model-name --stream-interval --structured-outputs-config --reasoning-config --max-logprobs
"""
_OPERATOR_S_OWN_CODE_AND_FILES = """
--tokenizer --tokenizer-mode --trust-remote-code --hf-config-path --revision --code-revision --tokenizer-revision --config-format
--hf-token --hf-overrides --model-class-overrides --generation-config --override-generation-config --model-impl --load-format
--download-dir --model-loader-extra-config --ignore-patterns --enable-lora --max-loras --max-lora-rank --lora-dtype
--enable-tower-connector-lora --max-cpu-loras --fully-sharded-loras --lora-target-modules --default-mm-loras
--specialize-active-lora --enable-mixed-moe-lora-format --enable-moe-shared-loras --max-lora-cls-labels
"""
_HOW_LOGITS_ARE_COMPUTED = """
--dtype --seed --max-model-len --quantization -q --quantization-config --allow-deprecated-quantization --enforce-eager
--use-fp64-gumbel --disable-sliding-window --disable-cascade-attn --safetensors-load-strategy --safetensors-prefetch-num-threads
--safetensors-prefetch-block-size --use-tqdm-on-load --pt-load-map-location --attention-backend --mamba-backend
--mamba-ssu-algorithm --enable-mamba-cache-stochastic-rounding --mamba-cache-philox-rounds --pipeline-parallel-size -pp
--distributed-timeout-seconds --cpu-distributed-timeout-seconds --numa-bind --numa-bind-nodes --numa-bind-cpus --device-ids
--tensor-parallel-size -tp --decode-context-parallel-size -dcp --dcp-comm-backend --dcp-q-replicate
--dcp-kv-cache-interleave-size --cp-kv-cache-interleave-size --prefill-context-parallel-size -pcp --enable-hc-sp
--enable-expert-parallel -ep --enable-ep-weight-filter --all2all-backend --enable-dbo --enable-shm-tensor-arena --ubatch-size
--dbo-decode-token-threshold --dbo-prefill-token-threshold --disable-nccl-for-dp-synchronization --enable-eplb --eplb-config
--expert-placement-strategy --max-parallel-loading-workers --disable-custom-all-reduce --offload-backend --cpu-offload-gb
--cpu-offload-params --offload-group-size --offload-num-in-group --offload-prefetch-step --offload-params
--cudagraph-capture-sizes --max-cudagraph-capture-size --ir-op-priority --enable-flashinfer-autotune --moe-backend
--linear-backend --sparse-indexer-topk-backend --compilation-config -cc --attention-config -ac --engram-config --kernel-config
--optimization-level --performance-mode --gdn-prefill-backend --kda-prefill-backend --kda-decode-backend
"""
_RANKS_OF_THIS_SERVER = "--data-parallel-size -dp --dp-sync-interval"
_CACHES_AND_SCHEDULE = """
--block-size --gpu-memory-utilization --device-memory-utilization --kv-cache-memory-bytes --kv-cache-dtype
--num-gpu-blocks-override --enable-prefix-caching --prefix-caching-hash-algo --prefix-cache-retention-interval
--kv-cache-dtype-skip-layers --kv-sharing-fast-prefill --swa-bounded-replay --mamba-cache-dtype --mamba-ssm-cache-dtype
--mamba-block-size --prefix-match-unit --mamba-cache-mode --enable-mamba-shared-prefix-checkpoint --replayssm-buffer-len
--use-replayssm --kv-offloading-size --kv-offloading-backend --kv-transfer-config --kv-events-config --ec-transfer-config
--ec-manager-config --max-num-batched-tokens --max-num-scheduled-tokens --max-num-seqs --max-num-active-seqs
--max-num-queued-reqs --max-num-queued-tokens --long-prefill-token-threshold --long-prefill-token-threshold-adaptive
--scheduling-policy --enable-chunked-prefill --scheduler-reserve-full-isl --watermark --prefill-schedule-interval
--disable-hybrid-kv-cache-manager --async-scheduling --renderer-num-workers --shutdown-timeout --enable-cumem-allocator
--enable-nccl-comm-suspend
"""
_FOR_WHAT_THE_SERVER_REFUSES = """
--allowed-local-media-path --allowed-media-domains --language-model-only --limit-mm-per-prompt --media-io-kwargs
--mm-processor-kwargs --mm-processor-cache-gb --mm-processor-cache-type --mm-hasher-algorithm
--mm-shm-cache-max-object-size-mb --mm-encoder-only --mm-encoder-tp-mode --mm-encoder-attn-backend --mm-encoder-attn-dtype
--mm-encoder-fp8-scale-path --mm-encoder-fp8-scale-save-path --mm-encoder-fp8-scale-save-margin --interleave-mm-strings
--skip-mm-profiling --video-pruning-rate --video-pruning-method --mm-tensor-ipc --mm-processor-device --mm-ipc-gpu-memory-gb
--mm-device-do-normalize --disable-chunked-mm-input --pooler-config --enable-sleep-mode --sleep-mode-offload-cudagraph
--sleep-preserve-parameter-names --profiler-config --weight-transfer-config
"""
_DRAFTS = "--speculative-config -sc --spec-method --spec-model --spec-tokens"
_LOGS_AND_METRICS = """
--max-log-len --enable-log-outputs --enable-log-deltas --log-error-stack --logging-config --log-level --log-config-file
--show-hidden-metrics-for-version --otlp-traces-endpoint --collect-detailed-traces --per-request-spec-decode-metrics
--kv-cache-metrics --kv-cache-metrics-sample --custom-histogram-buckets --cudagraph-metrics
--enable-layerwise-nvtx-tracing --enable-mfu-metrics --enable-logging-iteration-details --jit-monitor-mode
--jit-monitor-verbose --disable-log-stats --aggregate-engine-logging --fail-on-environ-validation --enable-log-requests
"""
_WHAT_THE_SERVER_DOES_ANYWAY = """
-h --help --disable-uvicorn-access-log --disable-access-log-for-endpoints --enable-request-id-headers --disable-fastapi-docs
--enable-flash-late-interaction
"""

ALLOWED: Mapping[str, str] = {
    "it shapes a prompt or an answer; the server reads what comes of it, and picks the fields of clients": _BEHIND_THE_SCREEN,
    "code and files that the operator trusts with the model itself; the proof fails if the tokenizer is another": (
        _OPERATOR_S_OWN_CODE_AND_FILES
    ),
    "the guard edits logits, however they were computed": _HOW_LOGITS_ARE_COMPUTED,
    "the server reaches and proves all ranks of this kind": _RANKS_OF_THIS_SERVER,
    "it says when tokens are computed and where caches are; no token is sampled without the processor": _CACHES_AND_SCHEDULE,
    "it is for requests and routes that the server refuses, so it has no effect": _FOR_WHAT_THE_SERVER_REFUSES,
    "the server checks which drafts vLLM makes, and refuses those that a ban does not reach": _DRAFTS,
    "it concerns logs and metrics; an operator who has prompts logged asks for it by name": _LOGS_AND_METRICS,
    "the server does that anyway, or has no listener that it concerns": _WHAT_THE_SERVER_DOES_ANYWAY,
}
"""The options by the reason, separated by spaces."""
