# A network with one private subnet in each zone. `terraform_data` is built into Terraform: it keeps a value
# and gets an id, like a real resource, and creates nothing.

terraform {
  required_version = ">= 1.4"
}

locals {
  cidrs = { for index, zone in var.zones : zone => cidrsubnet(var.cidr, 8, index) }
}

resource "terraform_data" "network" {
  input = { cidr = var.cidr }
}

resource "terraform_data" "private_subnet" {
  for_each = local.cidrs

  input = {
    network_id = terraform_data.network.id
    zone       = each.key
    cidr       = each.value
  }
}
