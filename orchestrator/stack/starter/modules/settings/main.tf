# `terraform_data` is built into Terraform: it keeps a value, and needs no provider and no account.

terraform {
  required_version = ">= 1.4"
}

variable "greeting" {
  description = "What the web server says."
  type        = string
}

resource "terraform_data" "settings" {
  input = { greeting = var.greeting }
}

output "greeting" {
  description = "What the web server says, once it was applied."
  value       = terraform_data.settings.output.greeting
}
