variable "name" {
  description = "Name of the database and of its user."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets in which the database can be reached."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "A database needs subnets in at least two zones."
  }
}
