"""What networkx says of many graphs, for TaskOracleTests: one JSON list in, one JSON list out."""

import json
import sys

import networkx


def heaviest(graph, weights):
    """The greatest sum of weights on a path: networkx weighs edges, so each edge carries its target's weight."""
    weighted = networkx.DiGraph()
    weighted.add_node("start")
    for node in graph:
        weighted.add_edge("start", node, weight=weights[node])
    for source, target in graph.edges:
        weighted.add_edge(source, target, weight=weights[target])
    return networkx.dag_longest_path_length(weighted)


def cost(graph, case, propagates, completed_too):
    """The formulas of coordination.md, written once more and apart from the product's."""
    effective, total = {}, 0.0
    for node in networkx.lexicographical_topological_sort(graph):
        task = case["tasks"][node]
        if task["completed"] and not completed_too:
            effective[node] = 1.0
            continue
        probability = task["p"]
        if propagates:
            for parent in graph.predecessors(node):
                retention = graph.edges[parent, node]["retention"]
                probability *= effective[parent] + (1 - effective[parent]) * retention
        effective[node] = probability
        success = task["cost"] * task["impact"]
        retries = min((1 - probability) / probability, case["retries"])
        failure = success + case["fallback"] + case["lost"] * retries
        total += probability * success + (1 - probability) * failure
    return total


def answer(case):
    graph = networkx.DiGraph()
    graph.add_nodes_from(range(len(case["tasks"])))
    for source, target, retention in case["edges"]:
        graph.add_edge(source, target, retention=retention)
    scores = networkx.betweenness_centrality(graph, normalized=True)
    found = {"acyclic": networkx.is_directed_acyclic_graph(graph), "scores": [scores[node] for node in graph]}
    if found["acyclic"]:
        found["groups"] = [sorted(group) for group in networkx.topological_generations(graph)]
        found["longest"] = networkx.dag_longest_path_length(graph, default_weight=1) + 1 if len(graph) else 0
        found["heaviest"] = heaviest(graph, [task["cost"] * task["impact"] for task in case["tasks"]])
        found["propagated"] = cost(graph, case, True, False)
        found["independent"] = cost(graph, case, False, True)
    return found


with open(sys.argv[1], encoding="utf-8") as file:
    cases = json.load(file)
json.dump([answer(case) for case in cases], sys.stdout)
