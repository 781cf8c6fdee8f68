"""Plain locustfiles: ``ssegauge load --scenario NAME``, or ``locust -f`` one of them."""
