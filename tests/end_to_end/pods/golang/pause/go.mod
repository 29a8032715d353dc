// What holds the namespaces of a Pod: the first process in them, which does nothing.
module orchestrator.example/pause

go 1.26.0
