"""Seconds that networkx takes for a graph's order, longest path and betweenness: GraphBenchmark's peer."""

import json
import random
import sys
import time

import networkx

nodes, pivots, file = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
with open(file, encoding="utf-8") as text:
    edges = json.load(text)


def seconds(work):
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result


def build():
    graph = networkx.DiGraph()
    graph.add_nodes_from(range(nodes))
    graph.add_edges_from(edges)
    return graph


building, graph = seconds(build)
ordering, _ = seconds(lambda: [sorted(group) for group in networkx.topological_generations(graph)])
longest, path = seconds(lambda: networkx.dag_longest_path(graph))
random.seed(1)
between, _ = seconds(lambda: networkx.betweenness_centrality(graph, k=min(pivots, nodes), seed=1))
json.dump({"build": building, "order": ordering, "longest": longest, "between": between, "path": len(path)}, sys.stdout)
