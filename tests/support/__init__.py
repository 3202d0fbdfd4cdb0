"""What the Python suites stand on: provider simulators, a real Envoy, and a gateway made of both."""
