output "id" {
  description = "Id of the network; known once it was created."
  value       = terraform_data.network.id
}

output "private_subnet_ids" {
  description = "Ids of the private subnets, in the order of the zones; known once they were created."
  value       = [for zone in var.zones : terraform_data.private_subnet[zone].id]
}

output "private_cidrs" {
  description = "Address range of the private subnet of each zone; known from the start."
  value       = local.cidrs
}
