"""Identity: who a certificate or a login speaks of, for whom, with what right, how surely."""
