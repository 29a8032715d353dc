output "host" {
  description = "Where the database answers; known once it was created."
  value       = local.host
}

output "port" {
  description = "The port it answers on."
  value       = local.port
}

output "password" {
  description = "What the user, called like the database, logs in with."
  value       = terraform_data.password.output
  sensitive   = true
}

output "settings" {
  description = "All that may be read by anyone, as the environment variables that PostgreSQL's clients know."
  value = {
    PGHOST     = local.host
    PGPORT     = tostring(local.port)
    PGDATABASE = var.name
    PGUSER     = var.name
    PGSSLMODE  = "require"
  }
}
