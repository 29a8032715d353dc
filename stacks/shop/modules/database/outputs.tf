output "host" {
  description = "Where the database answers."
  value       = aws_db_instance.this.address
}

output "port" {
  description = "The port it answers on."
  value       = aws_db_instance.this.port
}

output "password" {
  description = "What the user logs in with."
  value       = aws_db_instance.this.password
  sensitive   = true
}

output "settings" {
  description = "All that may be read by anyone, as the environment variables that PostgreSQL's clients know."
  value = {
    PGHOST     = aws_db_instance.this.address
    PGPORT     = tostring(aws_db_instance.this.port)
    PGDATABASE = aws_db_instance.this.db_name
    PGUSER     = aws_db_instance.this.username
    PGSSLMODE  = "require"
  }
}
