"""Who a listener is: ids of logs become tokens, under the key of the workspace (ADR 0020)."""
