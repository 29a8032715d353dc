# A database that only pretends, with a password that is really random and really kept secret.

terraform {
  required_version = ">= 1.4"
}

locals {
  host = "${var.name}-${substr(terraform_data.database.id, 0, 8)}.database.internal"
  port = 5432
}

resource "terraform_data" "database" {
  input = {
    name       = var.name
    subnet_ids = var.subnet_ids
  }
}

resource "terraform_data" "password" {
  input = sensitive(uuid())

  lifecycle {
    # uuid() has another answer each time; the first one stays.
    ignore_changes = [input]
  }
}
