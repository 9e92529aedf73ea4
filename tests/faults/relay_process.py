"""A relay as a process of its own, to be killed: arguments are the ledger's dsn, Kafka's servers, and the topic."""

import sys
from dataclasses import replace
from threading import Event

from adapters.kafka.cluster import Cluster
from adapters.kafka.topic import KafkaTopic
from streams.envelope import identify
from streams.relay import Relay
from streams.topics import EVENTS
from tests.relaying import lane_of

dsn, servers, name = sys.argv[1:]
spec = replace(EVENTS, name=name)
Relay(lane_of(dsn, spec), KafkaTopic(Cluster(servers), spec, identify=identify)).run(Event())
