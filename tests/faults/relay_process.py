"""A relay as a process of its own, to be killed: the ledger's dsn, Kafka's servers, the topic, `share` if it is one."""

import sys
from dataclasses import replace
from threading import Event

from adapters.kafka.cluster import Cluster
from adapters.kafka.topic import KafkaTopic
from streams.envelope import identify
from streams.relay import Relay
from streams.shares import identify_share
from streams.topics import EVENTS, SHARES
from tests.relaying import lane_of, share_lane_of

dsn, servers, name, *share = sys.argv[1:]
spec = replace(SHARES["marketing"] if share else EVENTS, name=name)
lane = share_lane_of(dsn, spec) if share else lane_of(dsn, spec)
told_by = identify_share if share else identify
Relay(lane, KafkaTopic(Cluster(servers), spec, identify=told_by, is_dense=not share)).run(Event())
